-- Holds again what an order needs whose payment came when its units were on sale again. Its rule in
-- Python, and its oracle in tests, is commerce/orders/late.py; what stands behind a dollar sign is
-- filled in by commerce/io/gate/codec.py.
--
-- KEYS  1 epoch  2 group:{group}  3 seats:{group}  4 available  5 held  6 holds  7 hold
--       8 coupon:{id}  9… bought:{household}:{product} of what its limits count
-- ARGV  1 now  2 hold ms|limit window ms|seats kept ms|coupon kept ms  3 order  4 household
--       5 group or ''  6 store  7 slots that it may take there, as in admit.lua; '' if it takes none
--       8 units by item  9 units by quota, or ''  10 coupon or ''  11 first product  12 its units
--       then two per product: units  limit
-- Gives {'admitted', slot}, {'refused', why} or {'not-ready'}.

if redis.call('EXISTS', KEYS[1]) == 0 then return {'not-ready'} end

local now = tonumber(ARGV[1])
local hold_ms, window_ms, seats_ms, coupon_ms =
  string.match(ARGV[2], '^(%d+)|(%d+)|(%d+)|(%d+)$')
local order_id, household_id, group_id, store_id = ARGV[3], ARGV[4], ARGV[5], ARGV[6]
local needs, quotas, coupon_id = ARGV[8], ARGV[9], ARGV[10]
local product_id, quantity = ARGV[11], ARGV[12]

local held = redis.call('HGET', KEYS[7], order_id)
if held then
  local $HOLD = string.match(held, $HOLD_PATTERN)
  return {'admitted', slot}
end

local ends
if group_id ~= '' then
  local terms = redis.call('GET', KEYS[2])
  ends = tonumber(terms and string.match(terms, ' (%d+)$') or '0')
  if ends <= now then return {'refused', 'group-closed'} end
  local seat = redis.call('HGET', KEYS[3], household_id)
  if seat and seat ~= order_id then return {'refused', 'already-joined'} end
end

local counted = #KEYS - 8
for at = 1, counted do
  local bought = tonumber(redis.call('GET', KEYS[8 + at]) or '0')
  if bought + tonumber(ARGV[11 + at * 2]) > tonumber(ARGV[12 + at * 2]) then
    return {'refused', 'limit-reached'}
  end
end

if coupon_id ~= '' then
  local taken_by = redis.call('GET', KEYS[8])
  if taken_by and taken_by ~= order_id then return {'refused', 'coupon-taken'} end
end
for quota, units in string.gmatch(quotas, $UNITS_PATTERN) do
  local free = tonumber(redis.call('HGET', KEYS[4], quota .. '|') or '0')
  if free < tonumber(units) then return {'refused', 'flash-sold-out'} end
end

for item, units in string.gmatch(needs, $UNITS_PATTERN) do
  local free = tonumber(redis.call('HGET', KEYS[4], item .. '|' .. store_id) or '0')
  if free < tonumber(units) then return {'refused', 'sold-out'} end
end

local slot = ''
for name, kept in string.gmatch(ARGV[7], ' (%w+):?(%d*)') do
  local left = redis.call('HGET', KEYS[4], 'slot:' .. name .. '|' .. store_id)
  if left and tonumber(left) > (tonumber(kept) or 0) then slot = name break end
end
if ARGV[7] ~= '' and slot == '' then return {'refused', 'no-slot'} end

local function take(row, units)
  redis.call('HINCRBY', KEYS[4], row, -units)
  redis.call('HINCRBY', KEYS[5], row, units)
end

for item, units in string.gmatch(needs, $UNITS_PATTERN) do take(item .. '|' .. store_id, units) end
if slot ~= '' then take('slot:' .. slot .. '|' .. store_id, 1) end
for quota, units in string.gmatch(quotas, $UNITS_PATTERN) do take(quota .. '|', units) end
if coupon_id ~= '' then redis.call('SET', KEYS[8], order_id, 'PX', coupon_ms) end
if group_id ~= '' then
  redis.call('HSET', KEYS[3], household_id, order_id)
  redis.call('PEXPIREAT', KEYS[3], string.format('%d', ends + tonumber(seats_ms)))
end
for at = 1, counted do
  local units = ARGV[11 + at * 2]
  if redis.call('INCRBY', KEYS[8 + at], units) == tonumber(units) then
    redis.call('PEXPIRE', KEYS[8 + at], window_ms)
  end
end

local entry_id = $NO_ENTRY
redis.call('ZADD', KEYS[6], string.format('%d', now + tonumber(hold_ms)), order_id)
redis.call('HSET', KEYS[7], order_id, $HOLD_TEXT)
return {'admitted', slot}
