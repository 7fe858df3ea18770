/** All words of the host's page. */
import { en as commonEn } from './common.en'
import { zh as commonZh } from './common.zh'
import { en } from './host.en'
import { zh } from './host.zh'
import type { PageWords } from './index'
import { en as liveEn } from './live.en'
import { zh as liveZh } from './live.zh'
import { en as staffEn } from './staff.en'
import { zh as staffZh } from './staff.zh'

export const words = {
  zh: { ...commonZh, ...staffZh, ...liveZh, ...zh },
  en: { ...commonEn, ...staffEn, ...liveEn, ...en },
} satisfies PageWords
