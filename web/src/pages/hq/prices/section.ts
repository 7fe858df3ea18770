/** Prices: a section of the head office. */
import type { Section } from '../sections'
import Prices from './Prices.vue'
import { en } from './words.en'
import { zh } from './words.zh'

export default { page: Prices, words: { zh, en } } satisfies Section
