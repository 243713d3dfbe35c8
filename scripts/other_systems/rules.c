/* Rules of other systems on Linux, for scripts/other_systems.sh; loaded before a process starts (LD_PRELOAD).

   CROPZOOM_RULES names them:
     sharing   as on Windows, a file that any process has open or mapped is neither renamed, replaced nor
               removed: EACCES. Names without a dot are let through: those of files that are taken away
               while they are in use, as the system's own temporary ones; so is the lock of Qt's settings,
               which Qt removes before it closes it, but on Windows after that.
     no-locks  as on a network drive without locks, flock and fcntl locks are refused: CROPZOOM_NO_LOCKS, or
               ENOTSUP.
   CROPZOOM_REFUSED is a file that gets a line for every refusal: what, the path, the test. */
#define _GNU_SOURCE
#include <ctype.h>
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static int has_rule(const char *name) {
    const char *rules = getenv("CROPZOOM_RULES");
    return rules && strstr(rules, name);
}

static void note(const char *what, const char *path) {
    const char *log = getenv("CROPZOOM_REFUSED"), *test = getenv("PYTEST_CURRENT_TEST");
    int file = log ? open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644) : -1;
    if (file < 0) return;
    dprintf(file, "%s\t%s\t%s\n", what, path, test ? test : "no test");
    close(file);
}

/* ---- sharing ---- */

static int maps_file(const char *process, const struct stat *file) {
    char place[300], *line = NULL;
    size_t size = 0;
    int found = 0;
    snprintf(place, sizeof place, "/proc/%s/maps", process);
    FILE *maps = fopen(place, "re");
    while (maps && !found && getline(&line, &size, maps) > 0) {
        unsigned long inode;
        found = sscanf(line, "%*s %*s %*s %*s %lu", &inode) == 1 && inode == file->st_ino;
    }
    free(line);
    if (maps) fclose(maps);
    return found;
}

static int holds_file(const char *process, const struct stat *file) {
    char place[300];
    int found = 0;
    snprintf(place, sizeof place, "/proc/%s/fd", process);
    DIR *opened = opendir(place);
    struct dirent *entry;
    struct stat other;
    while (opened && !found && (entry = readdir(opened)))
        found = entry->d_name[0] != '.' && !fstatat(dirfd(opened), entry->d_name, &other, 0) &&
                other.st_ino == file->st_ino && other.st_dev == file->st_dev;
    if (opened) closedir(opened);
    return found || maps_file(process, file);
}

static int ends_with(const char *path, const char *end) {
    size_t length = strlen(path), part = strlen(end);
    return length >= part && !strcmp(path + length - part, end);
}

static int is_refused(const char *what, const char *path) {
    struct stat file;
    const char *name = strrchr(path, '/');
    if (!has_rule("sharing") || !strchr(name ? name : path, '.')) return 0;
    if (ends_with(path, ".conf.lock") || ends_with(path, ".ini.lock")) return 0;
    if (lstat(path, &file) || !S_ISREG(file.st_mode)) return 0;
    DIR *processes = opendir("/proc");
    struct dirent *entry;
    int found = 0;
    while (processes && !found && (entry = readdir(processes)))
        found = isdigit((unsigned char)entry->d_name[0]) && holds_file(entry->d_name, &file);
    if (processes) closedir(processes);
    if (found) {
        note(what, path);
        errno = EACCES;
    }
    return found;
}

#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

int rename(const char *from, const char *to) {
    if (is_refused("rename", from) || is_refused("replace", to)) return -1;
    return NEXT(rename)(from, to);
}

int renameat(int there, const char *from, int here, const char *to) {
    if (there == AT_FDCWD && here == AT_FDCWD && (is_refused("rename", from) || is_refused("replace", to)))
        return -1;
    return NEXT(renameat)(there, from, here, to);
}

int unlink(const char *path) {
    return is_refused("remove", path) ? -1 : NEXT(unlink)(path);
}

int unlinkat(int folder, const char *name, int flags) {
    char path[5000];
    if (folder != AT_FDCWD && name[0] != '/') snprintf(path, sizeof path, "/proc/self/fd/%d/%s", folder, name);
    else snprintf(path, sizeof path, "%s", name);
    if (!(flags & AT_REMOVEDIR) && is_refused("remove", path)) return -1;
    return NEXT(unlinkat)(folder, name, flags);
}

/* ---- no locks ---- */

static int no_locks(const char *what, int file) {
    char place[64], path[4096] = "";
    const char *number = getenv("CROPZOOM_NO_LOCKS");
    if (!has_rule("no-locks")) return 0;
    snprintf(place, sizeof place, "/proc/self/fd/%d", file);
    ssize_t length = readlink(place, path, sizeof path - 1);
    note(what, length > 0 ? path : "?");
    errno = number ? atoi(number) : ENOTSUP;
    return 1;
}

int flock(int file, int operation) {
    return no_locks("flock", file) ? -1 : NEXT(flock)(file, operation);
}

static int is_lock(int command) {
    return command == F_SETLK || command == F_SETLKW || command == F_OFD_SETLK || command == F_OFD_SETLKW;
}

#define CONTROL(name)                                             \
    int name(int file, int command, ...) {                        \
        va_list rest;                                             \
        va_start(rest, command);                                  \
        void *argument = va_arg(rest, void *);                    \
        va_end(rest);                                             \
        if (is_lock(command) && no_locks("fcntl", file)) return -1; \
        return NEXT(name)(file, command, argument);               \
    }

#undef fcntl
CONTROL(fcntl)
CONTROL(fcntl64)
