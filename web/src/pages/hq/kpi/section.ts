/** Key figures of a month: formula, number, baseline, pilots against controls, and the rows behind each. */
import type { Section } from '../sections'
import KpiPage from './KpiPage.vue'
import { en } from './words.en'
import { zh } from './words.zh'

export default { page: KpiPage, words: { zh, en } } satisfies Section
