/** Starts the guest's own page. */
import { words } from '../../i18n/me'
import { mount } from '../../use/mount'
import { keepShellOnceLoaded } from '../../use/offline-shell'
import Me from './Me.vue'

mount(Me, words)
keepShellOnceLoaded()
