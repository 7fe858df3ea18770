/** All words of the leader's page. */
import { en as commonEn } from './common.en'
import { zh as commonZh } from './common.zh'
import type { PageWords } from './index'
import { en } from './leader.en'
import { zh } from './leader.zh'
import { en as staffEn } from './staff.en'
import { zh as staffZh } from './staff.zh'

export const words = {
  zh: { ...commonZh, ...staffZh, ...zh },
  en: { ...commonEn, ...staffEn, ...en },
} satisfies PageWords
