// Follows a stream of server-sent events: reconnects where it was, wakes up after sleep, and polls while no stream comes through.
//
// It reads the stream with `fetch`, because an `EventSource` can show no token, and says nothing when it is silent.

/** The platform says that a stream is alive every 15 s: after this silence it is dead, whatever the socket says. */
const SILENCE_MS = 35000;
const RETRY_MS = 1000;
const RETRY_MAX_MS = 15000;
const POLL_MS = 5000;

/**
 * Follows `path`. `event(name, data, id)` hears each event; `status('live' | 'polling' | 'lost')` hears how it comes;
 * `poll()` is asked while the stream cannot be had, and after a wake-up; it may reject.
 * Gives `{ stop, wake }`.
 */
export function follow({ path, token, event, poll, status = () => {}, gone = () => {} }) {
  let last = '';
  let heard = 0;
  let failures = 0;
  let told = '';
  let stopped = false;
  let opened = null;
  let timer = 0;
  let polling = 0;

  const tell = (word) => {
    if (word !== told && !stopped) status((told = word));
  };

  const ask = async () => {
    try {
      await poll?.();
      return true;
    } catch {
      return false;
    }
  };

  const fallBack = () => {
    if (polling || !poll) return;
    const round = async () => {
      const answered = await ask();
      // The stream may have come through meanwhile: then it is live, whatever this look has found.
      if (!polling) return;
      tell(answered ? 'polling' : 'lost');
      polling = setTimeout(round, POLL_MS);
    };
    polling = setTimeout(round, 0);
  };

  const open = async () => {
    clearTimeout(timer);
    opened?.abort();
    const own = (opened = new AbortController());
    heard = Date.now();
    const watch = setInterval(() => Date.now() - heard > SILENCE_MS && own.abort(), 5000);
    let refused = 0;
    try {
      const headers = { Accept: 'text/event-stream' };
      if (token) headers.Authorization = `Bearer ${token}`;
      if (last) headers['Last-Event-ID'] = last;
      const response = await fetch(path, { headers, signal: own.signal, cache: 'no-store' });
      refused = response.ok ? 0 : response.status;
      if (response.ok) {
        failures = 0;
        clearTimeout(polling);
        polling = 0;
        tell('live');
        await frames(response.body, (frame) => {
          heard = Date.now();
          if (frame.id) last = frame.id;
          if (frame.data) event(frame.name, frame.data, frame.id);
        });
      }
    } catch {
      // A cut stream and a refused connection are the same here: the next round tells.
    } finally {
      clearInterval(watch);
    }
    if (stopped || own !== opened) return;
    if (refused >= 400 && refused < 500 && refused !== 408 && refused !== 429) return gone(refused);
    failures += 1;
    if (failures > 1) fallBack();
    timer = setTimeout(open, Math.min(RETRY_MS * 2 ** (failures - 1), RETRY_MAX_MS));
  };

  /** Something suggests that the stream is stale: looks at once and opens it anew. */
  const wake = () => {
    if (stopped || document.visibilityState === 'hidden') return;
    ask();
    failures = 0;
    open();
  };
  const shown = () => document.visibilityState === 'visible' && (told !== 'live' || Date.now() - heard > SILENCE_MS / 2) && wake();
  const restored = (happened) => happened.persisted && wake();
  const lost = () => tell('lost');
  document.addEventListener('visibilitychange', shown);
  addEventListener('pageshow', restored);
  addEventListener('online', wake);
  addEventListener('offline', lost);
  open();

  return {
    wake,
    stop() {
      stopped = true;
      clearTimeout(timer);
      clearTimeout(polling);
      polling = 0;
      opened?.abort();
      document.removeEventListener('visibilitychange', shown);
      removeEventListener('pageshow', restored);
      removeEventListener('online', wake);
      removeEventListener('offline', lost);
    },
  };
}

/** Reads frames of a stream as they come; comments count as signs of life, with no name and no data. */
async function frames(body, hear) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let kept = '';
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    kept += value;
    let end;
    while ((end = kept.indexOf('\n\n')) >= 0) {
      hear(frame(kept.slice(0, end)));
      kept = kept.slice(end + 2);
    }
  }
}

function frame(text) {
  const read = { name: 'message', data: '', id: '' };
  for (const line of text.split('\n')) {
    const colon = line.indexOf(': ');
    if (colon < 1) continue;
    const value = line.slice(colon + 2);
    const field = line.slice(0, colon);
    if (field === 'event') read.name = value;
    else if (field === 'id') read.id = value;
    else if (field === 'data') read.data = read.data ? `${read.data}\n${value}` : value;
  }
  if (read.data) read.data = JSON.parse(read.data);
  return read;
}
