-- Redis' time.
local clock = {} do

function clock.now()
  local t = call('TIME')
  return tonumber(t[1]) * 1000 + math.floor(tonumber(t[2]) / 1000)
end

-- The same as text. All have 13 digits until the year 2286, so that they compare as texts. To cut the microseconds takes a
-- third of what it takes to reckon.
local LEADING = {[4] = '00', [5] = '0', [6] = ''}
function clock.now_text()
  local t = call('TIME')
  local micros = t[2]
  local n = #micros
  return n > 3 and t[1] .. LEADING[n] .. sub(micros, 1, n - 3) or t[1] .. '000'
end

-- What may take long stops after so many microseconds, so that reports are not held up.
clock.SLICE_US = 5000

function clock.microseconds()
  local t = call('TIME')
  return tonumber(t[1]) * 1000000 + tonumber(t[2])
end

end
