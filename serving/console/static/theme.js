// Before the first paint: the editor's choice of light or dark, if there is one.
const chosen = localStorage.getItem("theme");
if (chosen) document.documentElement.dataset.theme = chosen;
document.documentElement.classList.add("script");
