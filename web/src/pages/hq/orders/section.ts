/** Orders: where each went, when it is promised, and why. */
import type { Section } from '../sections'
import Orders from './Orders.vue'
import { en } from './words.en'
import { zh } from './words.zh'

export default { page: Orders, words: { zh, en } } satisfies Section
