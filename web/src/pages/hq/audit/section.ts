/** The audit trail: what the staff did. */
import type { Section } from '../sections'
import Audit from './Audit.vue'
import { en } from './words.en'
import { zh } from './words.zh'

export default { page: Audit, words: { zh, en } } satisfies Section
