// Keys that go to pages, each together with Alt: they press the page's own link, so that key and link can never differ.
(() => {
  const pages = new Map(document.querySelector("meta[name=zonedesk-keys]").content.split(" ").map((pair) => pair.split("=")));
  const letter = (event) => {
    const typed = event.key.toLowerCase();
    // With Alt some keyboards type a sign; then the key's place tells the letter.
    return /^[a-z]$/.test(typed) ? typed : event.code.replace(/^Key/, "").toLowerCase();
  };
  document.addEventListener("keydown", (event) => {
    if (!event.altKey || event.ctrlKey || event.metaKey || event.shiftKey || event.repeat || event.isComposing) return;
    const path = pages.get(letter(event));
    if (path === undefined) return;
    event.preventDefault();
    const links = document.querySelectorAll('[data-testid="stTopNavLink"],[data-testid="stSidebarNavLink"]');
    const link = [...links].find((each) => new URL(each.href).pathname === path);
    if (link) link.click();
    else location.assign(path);
  }, true);
})();
