import importlib.util

if importlib.util.find_spec("lightning_pose") is None:  # the extra 'pose' is not installed
    collect_ignore_glob = ["*test_*.py"]
