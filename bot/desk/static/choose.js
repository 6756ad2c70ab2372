// Choose all records of a list at once, or none. Without a script each is chosen by itself.

for (const label of document.querySelectorAll("[data-choose-all]")) {
  const all = label.querySelector("input");
  const each = [...all.form.elements].filter((field) => field.name === "id");
  const look = () => {
    const chosen = each.filter((field) => field.checked).length;
    all.checked = chosen === each.length;
    all.indeterminate = chosen > 0 && chosen < each.length;
  };
  all.addEventListener("change", () => {
    for (const field of each) field.checked = all.checked;
  });
  for (const field of each) field.addEventListener("change", look);
  label.hidden = false;
  look(); // a browser that goes back remembers what was chosen
}
