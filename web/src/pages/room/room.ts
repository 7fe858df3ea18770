/** Starts the viewer's page. */
import { mount } from '../../use/mount'
import Room from './Room.vue'

mount(Room)
