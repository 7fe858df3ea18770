/** Products: a section of the head office. */
import type { Section } from '../sections'
import Products from './Products.vue'
import { en } from './words.en'
import { zh } from './words.zh'

export default { page: Products, words: { zh, en } } satisfies Section
