// The drawing pad: strokes -> image -> probabilities, anew for each frame in which ink was added.

const PAUSE = 700; // milliseconds without a change before the answer is read out
const TIMED = 20; // answers that the time shown is the median of

function startPad({ model: file, sha256, labels, samples, rejectBelow }) {
  const part = (id) => document.getElementById(`pad-${id}`);
  const bytesOf = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const content = bytesOf(file);
  let model;
  try {
    model = new Model(content);
    const classes = model.output.data.length;
    if (classes !== labels.length) {
      throw new ModelError(`it has ${classes} classes for ${labels.length} labels`);
    }
  } catch (error) {
    part("fault").textContent = `The drawing pad cannot run this model: ${error.message}`;
    part("fault").hidden = false;
    return;
  }

  const shown = part("canvas").getContext("2d");
  const reading = newCanvas(PAPER, PAPER).getContext("2d", { willReadFrequently: true });
  const bars = labels.map((label) => newBar(part("bars"), label));
  const pictures = samples.map(({ image }) => bytesOf(image));
  const buttons = samples.map(({ label }, at) => newSample(label, pictures[at]));
  let state = { strokes: [], sample: null };
  let earlier = [];
  let stroke = null; // the one being drawn
  let due = false;
  let announcement = 0;
  const times = [];

  function change(next, drawn = null) {
    earlier = [...earlier.slice(-99), state];
    put(next, drawn);
  }

  // Whatever puts another drawing there ends the stroke, or it would go on in one of the past.
  function put(next, drawn = null) {
    state = next;
    stroke = drawn;
    later();
  }

  function later() {
    if (due) return;
    due = true;
    requestAnimationFrame(() => {
      due = false;
      update();
    });
  }

  function update() {
    const { strokes, sample } = state;
    shown.clearRect(0, 0, 2 * PAPER, 2 * PAPER);
    shown.strokeStyle = getComputedStyle(part("canvas")).color;
    drawStrokes(shown, strokes, 2);
    if (sample !== null) drawImage(shown, pictures[sample], shown.strokeStyle);
    buttons.forEach((button, at) => button.setAttribute("aria-pressed", String(at === sample)));
    part("hint").hidden = strokes.length > 0 || sample !== null;
    part("clear").disabled = strokes.length === 0 && sample === null;
    part("undo").disabled = earlier.length === 0;
    answer(strokes, sample);
  }

  function answer(strokes, sample) {
    const start = performance.now();
    const read = sample === null
      ? readDrawing(inkOf(reading, strokes), PAPER, PAPER)
      : readDrawing(pictures[sample], SIDE, SIDE);
    const middle = performance.now();
    const found = read && model.probabilities(read.image);
    const end = performance.now();
    if (read) times.push([end - start, end - middle]);
    if (times.length > TIMED) times.shift();
    show(read, found);
  }

  function show(read, found) {
    const best = found ? found.indexOf(Math.max(...found)) : -1;
    const sure = best >= 0 && found[best] >= rejectBelow;
    const percent = best >= 0 ? percentOf(found[best]) : "";
    bars.forEach(({ row, fill, number }, at) => {
      const share = found ? found[at] : 0;
      fill.style.transform = `translateX(${100 * share - 100}%)`;
      number.textContent = found ? percentOf(share) : "";
      row.classList.toggle("pad-most", at === best);
    });
    const label = best >= 0 ? labels[best] : "";
    part("root").classList.toggle("pad-unsure", best >= 0 && !sure);
    part("label").textContent = label;
    part("label").style.setProperty("--pad-size", label.length > 2 ? "1.6rem" : "6.5rem");
    part("sure").textContent = best >= 0 ? (sure ? percent : `not sure: ${percent}`) : "";
    part("steps").textContent = read ? said(read.steps) : "";
    part("time").textContent = times.length ? timeOf(times) : "";
    const seen = part("seen").getContext("2d");
    seen.putImageData(grey(read ? read.image : new Uint8Array(SIDE * SIDE)), 0, 0);
    const doubt = sure ? "" : "Not sure, perhaps ";
    const told = best < 0 ? "The pad is empty." : `${doubt}${label}, ${percent}`;
    clearTimeout(announcement);
    announcement = setTimeout(() => { part("live").textContent = told; }, PAUSE);
  }

  function pointOf(event) {
    const box = part("canvas").getBoundingClientRect();
    return [((event.clientX - box.left) / box.width) * PAPER,
      ((event.clientY - box.top) / box.height) * PAPER];
  }

  part("canvas").addEventListener("pointerdown", (event) => {
    if (stroke || event.button !== 0) return;
    event.preventDefault();
    part("canvas").setPointerCapture(event.pointerId);
    const points = [pointOf(event)];
    const drawn = { pointer: event.pointerId, points };
    change({ strokes: [...state.strokes, points], sample: null }, drawn);
  });
  part("canvas").addEventListener("pointermove", (event) => {
    if (!stroke || event.pointerId !== stroke.pointer) return;
    const events = event.getCoalescedEvents ? event.getCoalescedEvents() : [];
    stroke.points.push(...(events.length ? events : [event]).map(pointOf));
    later();
  });
  for (const ending of ["pointerup", "pointercancel"]) {
    part("canvas").addEventListener(ending, (event) => {
      if (stroke && event.pointerId === stroke.pointer) stroke = null;
    });
  }
  part("clear").addEventListener("click", () => change({ strokes: [], sample: null }));
  part("undo").addEventListener("click", () => put(earlier.pop() || state));
  buttons.forEach((button, at) => {
    button.addEventListener("click", () => change({ strokes: [], sample: at }));
  });
  if (buttons.length) {
    const lead = newElement("span", "pad-lead", "Or take one:");
    part("samples").append(lead, ...buttons);
    part("samples").hidden = false;
  }
  for (const theme of ["(prefers-color-scheme: dark)", "(forced-colors: active)"]) {
    matchMedia(theme).addEventListener("change", later);
  }
  part("whole").hidden = false;
  update();
  warmUp(model);
  checkHash(content, sha256, part("hash"));
}

const percentOf = (share) => `${(100 * share).toFixed(1)} %`;

const said = (steps) => {
  const text = steps.length ? steps.join(", ") : "taken as it is: 28x28 pixels, bright on dark";
  return `${text[0].toUpperCase()}${text.slice(1)}.`;
};

function timeOf(times) {
  const [whole, network] = [0, 1].map((column) => {
    const sorted = times.map((row) => row[column]).sort((one, other) => one - other);
    return sorted[Math.floor(sorted.length / 2)].toFixed(1);
  });
  return `${whole} ms from drawing to answer, ${network} of them the network.`;
}

// A browser compiles what it has run a few times: the first strokes should not wait for that.
function warmUp(model, rounds = 10) {
  model.run(new Uint8Array(SIDE * SIDE));
  if (rounds > 1) setTimeout(warmUp, 0, model, rounds - 1);
}

// The file's own hash, where the browser computes one (not everywhere for a page on disk).
async function checkHash(content, sha256, place) {
  if (!globalThis.crypto?.subtle) return;
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", content));
  const found = Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
  place.textContent = found === sha256 ? ", checked here" : ": THE FILE IN THIS PAGE HAS ANOTHER";
}
