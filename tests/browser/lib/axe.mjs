// Asks axe whether everybody can use a page.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const SOURCE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const TAGS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

/** Fails when axe finds anything on the page as it is now. */
export async function axe(page, name = page.url()) {
  // What still moves has colours between two; it is looked at when it has come to rest. What comes to rest may set what is
  // within it in motion: a colour that is inherited goes down the page a level a frame.
  await page.evaluate(async () => {
    const moves = (one) => one.playState === 'running' && Number.isFinite(one.effect?.getComputedTiming().endTime);
    for (let rounds = 0, still = 0; still < 3 && rounds < 300; rounds += 1) {
      const moving = document.getAnimations().filter(moves);
      still = moving.length ? 0 : still + 1;
      await Promise.all(moving.map((one) => one.finished.catch(() => {})));
      await new Promise(requestAnimationFrame);
    }
  });
  if (!(await page.evaluate(() => 'axe' in globalThis))) await page.evaluate(SOURCE);
  const found = await page.evaluate(async (tags) => {
    const { violations } = await globalThis.axe.run(document, { runOnly: tags, resultTypes: ['violations'] });
    return violations.map(({ id, help, nodes }) => ({ id, help, where: nodes.slice(0, 3).map((node) => `${node.target} ${node.failureSummary}`) }));
  }, TAGS);
  assert.deepEqual(found, [], `axe on ${name}`);
}
