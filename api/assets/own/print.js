// A button that prints the page it is on. Without this script there is none.
const button = document.getElementById("print");
button.hidden = false;
button.addEventListener("click", () => window.print());
