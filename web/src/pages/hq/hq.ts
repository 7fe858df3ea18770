/** Starts the head office's page. */
import { words } from '../../i18n/hq'
import { mount } from '../../use/mount'
import Hq from './Hq.vue'
import './hq.css'

mount(Hq, words)
