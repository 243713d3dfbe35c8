// The keyboard reaches what scrolls, and a screen reader is told what the search is.
function help() {
  document.querySelectorAll(".md-typeset__scrollwrap, pre > code").forEach((each) => { each.tabIndex = 0; });
  document.querySelectorAll(".md-search").forEach((each) => { each.ariaLabel = "Search"; });
  document.querySelectorAll(".md-code__nav").forEach((each, place) => { each.ariaLabel = `Code ${place + 1}`; });
}
document.addEventListener("DOMContentLoaded", () => {
  help();
  new MutationObserver(help).observe(document.body, { childList: true, subtree: true });  // the theme wraps tables
});
