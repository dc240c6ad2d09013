// Says what ran in the words in which all tests of this house do: a line per test, then how many passed and failed.

export default async function* report(events) {
  let [passed, failed] = [0, 0];
  for await (const { type, data } of events) {
    const isFile = data.name?.endsWith('.mjs');
    if (type === 'test:pass' && !isFile) {
      passed += 1;
      yield `test ${data.name} ... ok (${(data.details.duration_ms / 1000).toFixed(1)} s)\n`;
    } else if (type === 'test:fail') {
      failed += 1;
      const error = data.details.error;
      yield `test ${data.name} ... FAILED\n${error?.cause?.stack ?? error?.stack ?? error}\n`;
    } else if (type === 'test:stdout') {
      yield data.message;
    } else if (type === 'test:stderr') {
      yield data.message;
    }
  }
  yield `journeys: ${passed} passed, ${failed} failed\n`;
}
