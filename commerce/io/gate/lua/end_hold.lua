-- Ends the hold of a late order (readmit.lua): its units are available again. If the record sold
-- them, they were taken off before (apply.lua). Safe to run again: a hold is ended once, because it
-- is deleted. What stands behind a dollar sign is filled in by commerce/io/gate/codec.py.
--
-- KEYS  1 available  2 held  3 holds  4 hold  5 seats:{group}
--       6… bought:{household}:{product} of what its limits count
-- ARGV  1 order  2 household  3 1 if the record sold them; then the units of each that is counted
-- Gives 1, or 0 if there is no such hold.

local order_id, sold = ARGV[1], ARGV[3] == '1'
local hold = redis.call('HGET', KEYS[4], order_id)
if not hold then return 0 end
local $HOLD = string.match(hold, $HOLD_PATTERN)
if entry_id ~= $NO_ENTRY then return 0 end
redis.call('HDEL', KEYS[4], order_id)
redis.call('ZREM', KEYS[3], order_id)
if slot ~= '' then needs = needs .. ',slot:' .. slot .. ' 1' end
for item, units in string.gmatch(needs, $UNITS_PATTERN) do
  local row = item .. '|' .. store_id
  redis.call('HINCRBY', KEYS[2], row, -units)
  redis.call('HINCRBY', KEYS[1], row, units)
end
for quota, units in string.gmatch(quotas, $UNITS_PATTERN) do
  redis.call('HINCRBY', KEYS[2], quota .. '|', -units)
  redis.call('HINCRBY', KEYS[1], quota .. '|', units)
end
if sold then return 1 end
if coupon_id ~= '' then
  -- A key of this gate that only its holds know.
  local coupon = string.sub(KEYS[1], 1, -#'available' - 1) .. 'coupon:' .. coupon_id
  if redis.call('GET', coupon) == order_id then redis.call('DEL', coupon) end
end
if redis.call('HGET', KEYS[5], ARGV[2]) == order_id then redis.call('HDEL', KEYS[5], ARGV[2]) end
for at = 1, #KEYS - 5 do
  local key, units = KEYS[5 + at], ARGV[3 + at]
  local bought = tonumber(redis.call('GET', key) or '0')
  if bought > tonumber(units) then
    redis.call('DECRBY', key, units)
  elseif bought > 0 then
    redis.call('DEL', key)
  end
end
return 1
