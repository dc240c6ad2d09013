// The goods, each drawn by hand; from the side, on nothing.

const bottle = (body, liquid, label, cap, mark) => `
<ellipse cx="100" cy="186" rx="38" ry="6" fill="#000" fill-opacity=".13"/>
<path d="M84 20h32v34c0 14 20 20 20 46v72c0 8-6 14-14 14H78c-8 0-14-6-14-14v-72c0-26 20-32 20-46Z" fill="${body}"/>
<path d="M70 104c0-18 16-26 19-42h22c3 16 19 24 19 42v66c0 6-4 10-10 10H80c-6 0-10-4-10-10Z" fill="${liquid}"/>
<path d="M82 12h36v16H82z" fill="${cap}"/><path d="M82 12h36v5H82z" fill="#fff" fill-opacity=".25"/>
<path d="M64 112h72v44H64z" fill="${label}"/>${mark}
<path d="M77 104c1-10 8-18 11-28v74H77Z" fill="#fff" fill-opacity=".28"/>`;

const lemon = (x, y, s) => `<g transform="translate(${x} ${y}) scale(${s})"><path d="M-20 0C-16-14 12-16 20-2 14 14-14 16-20 0Z" fill="#f3c21c"/><path d="M-12-3C-8-9 4-10 10-7" stroke="#fff3b0" stroke-width="3" fill="none" stroke-linecap="round"/></g>`;

export const GOODS = {
  cola_can: `<ellipse cx="100" cy="186" rx="40" ry="6" fill="#000" fill-opacity=".13"/>
<path d="M62 34c0-6 6-12 12-14h52c6 2 12 8 12 14v132c0 8-6 16-14 18H76c-8-2-14-10-14-18Z" fill="#b3241b"/>
<path d="M118 20h8c6 2 12 8 12 14v132c0 8-6 16-14 18h-6Z" fill="#7f150f"/><path d="M72 22h56l6 12H66Z" fill="#d8dde0"/><path d="M78 25h44l3 6H75Z" fill="#aeb6bb"/><path d="M92 26h16v4H92z" fill="#eef1f2"/>
<path d="M62 120C88 92 112 150 138 112V84C112 120 88 64 62 94Z" fill="#fff7ea"/><path d="M72 40h8v128h-8z" fill="#fff" fill-opacity=".3"/>
<g fill="#fff" fill-opacity=".75"><circle cx="92" cy="52" r="3"/><circle cx="110" cy="62" r="2.2"/><circle cx="98" cy="160" r="2.4"/><circle cx="120" cy="148" r="3"/><circle cx="86" cy="142" r="2"/></g>`,
  water_still: bottle('#cfe4ee', '#a9d3e8', '#2f6d9a', '#2f6d9a', '<path d="M100 118C92 130 90 134 90 139a10 10 0 0 0 20 0c0-5-2-9-10-21Z" fill="#e9f6fc"/>'),
  lemonade_bottle: bottle('#e6ead0', '#f2df7c', '#4d7a35', '#c4452d', lemon(100, 134, 0.9)),
  olive_oil_bottle: bottle('#8d8b2c', '#b7a52c', '#f6ecd6', '#3a2a1c', '<path d="M86 148C92 132 104 124 118 120" stroke="#4d6b2a" stroke-width="3" fill="none" stroke-linecap="round"/><g fill="#5f8036"><ellipse cx="94" cy="130" rx="8" ry="3.6" transform="rotate(-58 94 130)"/><ellipse cx="106" cy="136" rx="8" ry="3.6" transform="rotate(8 106 136)"/></g><ellipse cx="108" cy="147" rx="6" ry="5" fill="#4b3150"/>'),
  tiramisu: `<ellipse cx="100" cy="180" rx="52" ry="7" fill="#000" fill-opacity=".13"/>
<path d="M50 56h100l-9 112c-1 6-5 10-11 10H70c-6 0-10-4-11-10Z" fill="#e9dfd0"/>
<path d="M55 66h90l-2 20H57Z" fill="#fdf4e0"/><path d="M57 86h86l-2 18c-14 6-26-4-42 2-16 6-28-2-40-2Z" fill="#7a4a26"/><path d="M59 104c14 0 26 8 40 2s28 4 42-2l-2 24H61Z" fill="#fdf4e0"/><path d="M61 128h78l-2 18c-12 6-24-4-38 2-14 5-24-2-36-2Z" fill="#7a4a26"/><path d="M63 146c12 0 22 7 36 2s26 4 38-2l-2 20c0 4-3 6-7 6H72c-4 0-7-2-7-6Z" fill="#fdf4e0"/>
<path d="M48 50c0-8 14-8 18-14 6-8 16-4 24-8 10-5 18 2 26 2 10 0 12 8 22 8 8 0 14 6 14 12 0 8-8 12-16 10-10-2-18 4-28 2-10-2-18 4-28 2-8-2-14 0-20-2-6-2-12-4-12-12Z" fill="#4b2b17"/>
<g fill="#8d5a35"><circle cx="72" cy="44" r="2"/><circle cx="92" cy="36" r="2.4"/><circle cx="110" cy="46" r="2"/><circle cx="128" cy="44" r="2.4"/><circle cx="100" cy="54" r="1.8"/><circle cx="82" cy="54" r="1.6"/></g><path d="M63 72h8l-4 88h-1Z" fill="#fff" fill-opacity=".5"/>`,
  cantucci_box: `<ellipse cx="100" cy="180" rx="66" ry="7" fill="#000" fill-opacity=".13"/>
<g><path d="M52 96C50 60 70 40 92 34c8 0 12 6 10 14L92 100Z" fill="#c98a45"/><path d="M58 94c0-28 14-46 32-52 5 0 8 4 6 10l-8 46Z" fill="#eec889"/><g fill="#fff3dc" stroke="#a4683a" stroke-width="2"><ellipse cx="74" cy="68" rx="5" ry="8" transform="rotate(24 74 68)"/><ellipse cx="84" cy="86" rx="5" ry="7" transform="rotate(-10 84 86)"/></g></g>
<g transform="rotate(14 120 70)"><path d="M104 104C100 66 112 38 132 30c9-1 13 6 12 14l-6 60Z" fill="#c98a45"/><path d="M110 102c-2-30 8-54 23-62 6 0 8 5 7 10l-6 52Z" fill="#eec889"/><g fill="#fff3dc" stroke="#a4683a" stroke-width="2"><ellipse cx="124" cy="64" rx="5" ry="8" transform="rotate(18 124 64)"/><ellipse cx="126" cy="88" rx="5" ry="7" transform="rotate(-24 126 88)"/></g></g>
<path d="M34 92h132l-8 80c-1 5-4 8-9 8H51c-5 0-8-3-9-8Z" fill="#a92d1b"/><path d="M34 92h132l-2 16H36Z" fill="#7f1f12"/><path d="M58 118h84v42H58z" fill="#f8ecd6" rx="4"/><path d="M66 150c8-18 20-18 34-12s26 0 34-12" stroke="#a92d1b" stroke-width="4" fill="none" stroke-linecap="round"/>`,
};
