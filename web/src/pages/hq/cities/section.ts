/** Cities: estates that share prices and an assortment. */
import type { Section } from '../sections'
import Cities from './Cities.vue'
import { en } from './words.en'
import { zh } from './words.zh'

export default { page: Cities, words: { zh, en } } satisfies Section
