/** Starts the guest's own page. */
import { words } from '../../i18n/me'
import { mount } from '../../use/mount'
import Me from './Me.vue'

mount(Me, words)
