-- What a program says about itself: native tracebacks, which operators may read and viewers may not.
local traces = {} do

-- What shows that a text is one: a mark, and a pattern that must be there as well.
local MARKS = {
  {'Traceback (most recent call last)'}, {'\n\tat '}, {'\n    at '}, {'\n   at '}, {'Stack trace:'}, {'\n#0 '}, {'\n#1 '}, {'", line ', 'File "'},
  {'.rb:', '%.rb:%d+:in '}, {'goroutine ', 'goroutine %d+ %['}, {'stack backtrace:'}, {'panicked at ', 'panicked at [^\n]-:%d+:%d+'},
  {'** (', '%*%* %(%u[%w.]*%) .*\n'}, {'.ex', '%.exs?:%d+: %u[%w.]*[./]'},
}
traces.LIMIT = 16384

function traces.looks_like_one(s)
  for _, one in ipairs(MARKS) do
    if find(s, one[1], 1, true) and (not one[2] or find(s, one[2])) then return true end
  end
  return false
end

end
