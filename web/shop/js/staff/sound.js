// The bell of the kitchen: two notes, made here, so that no file has to come.

let context = null;

/** Wakes the bell up; browsers allow it only after somebody touched the page. Gives whether it can ring. */
export async function wakeBell() {
  try {
    context ||= new AudioContext();
    if (context.state === 'suspended') await Promise.race([context.resume(), new Promise((done) => setTimeout(done, 300))]);
  } catch {
    return false;
  }
  return context.state === 'running';
}

/** Tells whether the bell can ring. */
export function canRing() {
  return context?.state === 'running';
}

/** Rings: a new ticket. */
export function ring() {
  if (!canRing()) return false;
  for (const [at, pitch] of [[0, 988], [0.16, 1319]]) note(context.currentTime + at, pitch);
  return true;
}

function note(at, pitch) {
  const [tone, loudness] = [context.createOscillator(), context.createGain()];
  tone.type = 'triangle';
  tone.frequency.value = pitch;
  loudness.gain.setValueAtTime(0.0001, at);
  loudness.gain.exponentialRampToValueAtTime(0.5, at + 0.015);
  loudness.gain.exponentialRampToValueAtTime(0.0001, at + 0.5);
  tone.connect(loudness).connect(context.destination);
  tone.start(at);
  tone.stop(at + 0.55);
}
