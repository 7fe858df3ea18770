/** The books: trial balance, entries, closing, settlements. */
import type { Section } from '../sections'
import Books from './Books.vue'
import { en } from './words.en'
import { zh } from './words.zh'

export default { page: Books, words: { zh, en } } satisfies Section
