/** After-sales: claims that wait, what was claimed, and ratings. */
import type { Section } from '../sections'
import AfterSales from './AfterSales.vue'
import { en } from './words.en'
import { zh } from './words.zh'

export default { page: AfterSales, words: { zh, en } } satisfies Section
