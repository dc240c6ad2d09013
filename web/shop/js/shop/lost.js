// Nothing is at this address: the page has words and switches, nothing else.

import { start } from '../core/page.js';

start({ words: ['shop'], parts: { lost: () => ({}) } });
