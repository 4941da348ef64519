// What became of a command, for those who hear a page. The region stands before its words come, and stays while others
// follow them: only what is put into a region that is there already is sure to be spoken.
const SOON = 150;

export default function ({ data, parentElement }) {
  let region = parentElement.querySelector("[role=status]");
  if (!region) {
    region = document.createElement("div");
    region.className = "zd-heard";
    region.setAttribute("role", "status");
    region.setAttribute("aria-live", "polite");
    parentElement.append(region);
  }
  setTimeout(() => {
    if (region.textContent !== data.words) region.textContent = data.words;
  }, SOON);
}
