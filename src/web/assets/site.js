// Every page works without this file. With it: times in the reader's zone, copy buttons, and pages that look again by
// themselves while something is being done. It asks no other host and keeps nothing.
const local = new Intl.DateTimeFormat('en-GB', {
  day: 'numeric',
  month: 'short',
  year: 'numeric',
  hour: '2-digit',
  minute: '2-digit',
  hourCycle: 'h23',
  timeZoneName: 'short',
});
for (const time of document.querySelectorAll('time[data-local]')) {
  const instant = new Date(time.dateTime);
  if (Number.isNaN(instant.getTime())) continue;
  time.title = `${time.textContent.trim()} · ${time.dateTime}`;
  time.textContent = local.format(instant);
}

for (const button of document.querySelectorAll('button[data-copy]')) {
  if (!navigator.clipboard) continue;
  button.hidden = false;
  button.addEventListener('click', async () => {
    await navigator.clipboard.writeText(button.dataset.copy);
    const word = button.querySelector('.word');
    word.textContent = 'Copied';
    setTimeout(() => {
      word.textContent = 'Copy';
    }, 2000);
  });
}

// Nothing is lost by looking again: while a field is being filled in the page stays as it is.
const busy = document.querySelector('[data-again]');
if (busy) {
  const look = () => {
    const field = document.activeElement?.closest('form');
    if (document.visibilityState === 'visible' && !field) location.reload();
    else setTimeout(look, 5000);
  };
  setTimeout(look, Number(busy.dataset.again) * 1000);
}
