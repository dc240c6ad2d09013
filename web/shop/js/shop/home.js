// The menu page: looking, choosing, the cart, the checkout.

import { mix, start } from '../core/page.js';
import { browsing } from './browsing.js';
import { checkout } from './checkout.js';
import { choosing } from './choosing.js';

start({ words: ['shop'], parts: { home: () => mix(browsing(), choosing(), checkout()) } });
