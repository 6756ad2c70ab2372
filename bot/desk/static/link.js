// The page behind a link: what opens it stands behind the "#", which only this browser knows. Without this script the
// whole link is pasted into the field.

const field = document.querySelector('label > input[name="token"]');
if (field && location.hash.length > 1) {
  field.value = location.hash.slice(1);
  field.parentElement.hidden = true;
}
