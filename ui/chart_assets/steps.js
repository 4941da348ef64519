// Keys of the replay page: arrows step one candle, space plays, wherever the reader is, except where a key has a
// meaning of its own. They press the page's own buttons, so that key and button can never differ.

const BUTTONS = { ArrowLeft: "replay_back", ArrowRight: "replay_on_one", " ": "replay_play" };
const TYPING = "input, textarea, select, [contenteditable=true], [role=combobox], [role=listbox], [role=radiogroup], .zd-scroll";
const PRESSED = "button, a, summary, [role=button]";
const PAUSE_MS = 120; // an arrow that is held down steps no faster than this; a press of its own always counts

let last = -Infinity; // when a key last stepped, of all charts of this page

export function bindSteps() {
  const pressed = (event) => {
    const name = BUTTONS[event.key];
    if (!name || event.ctrlKey || event.metaKey || event.altKey || event.shiftKey || event.isComposing) return;
    const slider = event.target.closest("[role=slider], input[type=range]");
    if (!slider && event.target.closest(TYPING)) return;
    if (event.key === " " && event.target.closest(PRESSED)) return;
    const button = document.querySelector(`.st-key-${name} button`);
    if (!button || button.disabled) return;
    event.preventDefault();
    event.stopImmediatePropagation(); // a second chart on the page must not step again
    if (event.repeat && (event.key === " " || event.timeStamp - last < PAUSE_MS)) return;
    last = event.timeStamp;
    button.click();
  };
  document.addEventListener("keydown", pressed, true);
  return () => document.removeEventListener("keydown", pressed, true);
}
