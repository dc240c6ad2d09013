// Draws a picture for every dish of the menu that an empty platform gets: `node web/draw/draw.mjs`.
//
// A pizza is drawn from its own recipe, so that what is on the picture is what is in the dish. The same menu gives the same
// pictures. What is drawn lies in `web/shop/img/dishes` and is served as it is.

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { GOODS } from './goods.mjs';
import { SAUCES, TOPPINGS } from './toppings.mjs';

const menu = readFileSync(new URL('../../data/menu/menu.toml', import.meta.url), 'utf8');
const folder = new URL('../shop/img/dishes/', import.meta.url);
mkdirSync(folder, { recursive: true });

/** Reads slug and recipe of every dish. */
function recipes() {
  return menu.split('[[item]]').slice(1).flatMap((text) => {
    const slug = /^slug = "(.+)"/m.exec(text)[1];
    const recipe = /^ingredients = \{(.+)\}/m.exec(text);
    if (!recipe) return [];
    return [[slug, Object.fromEntries(recipe[1].split(',').map((pair) => pair.split('=').map((word) => word.trim())).map(([name, amount]) => [name, Number(amount)]))]];
  });
}

/** How much larger than life toppings are drawn, so that they are told apart on a small picture. */
const LARGER = 1.32;

/** Chance that is the same every time. */
function chance(text) {
  let state = [...text].reduce((sum, letter) => Math.imul(sum ^ letter.charCodeAt(0), 16777619), 2166136261) >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

const short = (value) => String(Math.round(value * 10) / 10);

/** A closed line round the middle whose distance from it wavers. */
function wavering(random, radius, waver, points) {
  const ring = Array.from({ length: points }, (_, i) => {
    const angle = (i / points) * Math.PI * 2;
    const distance = radius + (random() - 0.5) * 2 * waver;
    return [100 + Math.cos(angle) * distance, 100 + Math.sin(angle) * distance];
  });
  const middle = ([ax, ay], [bx, by]) => `${short((ax + bx) / 2)} ${short((ay + by) / 2)}`;
  const bends = ring.map((point, i) => `Q${short(point[0])} ${short(point[1])} ${middle(point, ring[(i + 1) % points])}`);
  return `M${middle(ring[points - 1], ring[0])}${bends.join('')}Z`;
}

/** Lays pieces where most room is left: of some places at random the one farthest from all others. */
function laid(random, placed, size, far) {
  let best = null;
  for (let tried = 0; tried < 26; tried += 1) {
    const angle = random() * Math.PI * 2;
    const distance = Math.sqrt(random()) * (far - size * 0.55);
    const place = { x: 100 + Math.cos(angle) * distance, y: 100 + Math.sin(angle) * distance, size };
    const room = Math.min(60, ...placed.map((other) => Math.hypot(other.x - place.x, other.y - place.y) - (other.size + size) * 0.8));
    if (!best || room > best.room) best = { ...place, room };
  }
  return best;
}

function pizza(slug, recipe) {
  const random = chance(slug);
  const base = Object.keys(SAUCES).find((name) => recipe[name] && name !== 'olive_oil') || 'olive_oil';
  const [rim, sauce] = SAUCES[base];
  const cheese = base === 'alfredo_sauce' || base === 'olive_oil' ? ['#f7e2a6', '#fdf2cd'] : ['#f6d27a', '#fce7ad'];
  const kinds = Object.entries(recipe).filter(([name]) => TOPPINGS[name] && name !== base);
  const placed = [];
  const pieces = kinds
    .flatMap(([name, amount]) => {
      const topping = TOPPINGS[name];
      const most = topping.size < 5 ? 14 : kinds.length > 7 ? 6 : kinds.length > 5 ? 7 : kinds.length > 3 ? 10 : 13;
      const count = Math.max(topping.size < 5 ? 5 : 4, Math.min(most, Math.round(amount / topping.grams)));
      return Array.from({ length: count }, () => ({ name, ...topping, size: topping.size * LARGER }));
    })
    .sort((a, b) => b.size - a.size)
    .map((piece) => {
      const small = piece.size < 5;
      const place = laid(random, small ? [] : placed.filter((other) => (other.layer === 1) === (piece.layer === 1)), piece.size, 70);
      placed.push({ ...place, layer: piece.layer });
      return { ...piece, ...place, turn: Math.round(random() * 360), scale: LARGER * (0.9 + random() * 0.2) };
    })
    .sort((a, b) => a.layer - b.layer);
  const used = [...new Set(pieces.map((piece) => piece.name))];
  const letter = Object.fromEntries(used.map((name, i) => [name, String.fromCharCode(97 + i)]));
  const spots = Array.from({ length: 9 }, () => {
    const angle = random() * Math.PI * 2;
    const place = laid(random, [], 0, 0) && [100 + Math.cos(angle) * 86, 100 + Math.sin(angle) * 86];
    return `<ellipse cx="${short(place[0])}" cy="${short(place[1])}" rx="${short(4 + random() * 5)}" ry="${short(2 + random() * 2)}" transform="rotate(${Math.round((angle * 180) / Math.PI + 90)} ${short(place[0])} ${short(place[1])})"/>`;
  });
  // Between the melted cheese the sauce looks through.
  const holes = Array.from({ length: recipe.mozzarella > 125 ? 7 : 4 }, (_, i) => {
    const angle = (i / 5) * 6.283 + random();
    const distance = 26 + random() * 34;
    const [x, y] = [100 + Math.cos(angle) * distance, 100 + Math.sin(angle) * distance];
    return `<path d="${wavering(random, 9 + random() * 6, 3.5, 8)}" transform="translate(${short(x - 100)} ${short(y - 100)})"/>`;
  });
  const browned = Array.from({ length: 7 }, () => {
    const angle = random() * 6.283;
    const distance = 20 + random() * 46;
    return `<circle cx="${short(100 + Math.cos(angle) * distance)}" cy="${short(100 + Math.sin(angle) * distance)}" r="${short(2 + random() * 3)}"/>`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 200 200"><defs>${used.map((name) => `<g id="${letter[name]}">${TOPPINGS[name].draw}</g>`).join('')}</defs>
<ellipse cx="100" cy="106" rx="94" ry="92" fill="#000" fill-opacity=".12"/>
<path d="${wavering(random, 94, 1.6, 22)}" fill="#b9752f"/><path d="${wavering(random, 91.5, 1.6, 22)}" fill="#e3aa5c"/>
<path d="M22 84A80 80 0 0 1 92 20" stroke="#f6d59a" stroke-width="5" stroke-linecap="round" fill="none" opacity=".75"/><g fill="#8f5420" fill-opacity=".5">${spots.join('')}</g>
<path d="${wavering(random, 80, 1.8, 26)}" fill="${rim}"/><path d="${wavering(random, 77, 2, 26)}" fill="${sauce}"/>
<path d="${wavering(random, 71.5, 5.5, 17)}" fill="${cheese[0]}"/><path d="${wavering(random, 60, 9, 13)}" fill="${cheese[1]}"/><g fill="${sauce}" stroke="${cheese[0]}" stroke-width="3" fill-opacity=".85">${holes.join('')}</g>
<g fill="#d08a3a" fill-opacity=".35">${browned.join('')}</g>
${pieces.map((piece) => `<use href="#${letter[piece.name]}" transform="translate(${short(piece.x)} ${short(piece.y)})rotate(${piece.turn})scale(${piece.scale.toFixed(2)})"/>`).join('')}
</svg>
`;
}

for (const [slug, recipe] of recipes()) writeFileSync(new URL(`${slug}.svg`, folder), pizza(slug, recipe));
for (const [slug, drawn] of Object.entries(GOODS)) {
  writeFileSync(new URL(`${slug}.svg`, folder), `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 200 200">${drawn}</svg>\n`);
}
// For what has no picture of its own: a covered dish.
writeFileSync(
  new URL('unpictured.svg', folder),
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 200 200"><ellipse cx="100" cy="160" rx="80" ry="10" fill="#000" fill-opacity=".12"/><path d="M30 140a70 70 0 0 1 140 0Z" fill="#d9cbb6"/><path d="M48 132a54 54 0 0 1 46-46" stroke="#fff" stroke-opacity=".7" stroke-width="7" fill="none" stroke-linecap="round"/><circle cx="100" cy="64" r="9" fill="#b39b7c"/><path d="M20 142h160c0 10-6 16-16 16H36c-10 0-16-6-16-16Z" fill="#b39b7c"/></svg>\n',
);
