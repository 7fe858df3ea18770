/** Starts the viewer's page. */
import { mount } from '../parts/mount'
import Room from './Room.vue'

mount(Room)
