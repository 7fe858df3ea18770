-- Admits both halves of an order that is split over two stores, or neither. Halves have no product
-- and no store in common, so what is held for one changes nothing of what the other one finds. Its
-- rule in Python, and its oracle in tests, is Gate.admit_halves in commerce/orders/gate.py.
--
-- KEYS  those of admit.lua for the first half, then those for the second
-- ARGV  1 how many keys are the first half's
--       2… the four arguments of admit.lua for the first half, then those for the second
-- Gives both answers of admit.lua, or the one that stands in the way of both halves alone. A
-- refusal is kept with the key of its half.

local function admit(KEYS, ARGV)
$ADMIT_LUA
end

local function part(list, from, until_)
  local found = {}
  for at = from, until_ do found[#found + 1] = list[at] end
  return found
end

local first = tonumber(ARGV[1])
local halves = {
  {part(KEYS, 1, first), part(ARGV, 2, 5)},
  {part(KEYS, first + 1, #KEYS), part(ARGV, 6, 9)},
}
local function ask(half, how)
  half[2][5] = how
  return admit(half[1], half[2])
end

for _, half in ipairs(halves) do
  local seen = ask(half, 'look')
  if seen[1] == 'refused' then return {ask(half, 'half')} end
  if seen[1] ~= 'admitted' and seen[1] ~= 'replayed' then return {seen} end
end
return {ask(halves[1], 'half'), ask(halves[2], 'half')}
