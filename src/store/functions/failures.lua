-- What viewers are told of a failure. Operators map codes to their own words (`failure:<code>` and, for patterns with `*`,
-- `failures` in the policies of the type and of all types); what a program says about itself goes to `ns:trace:<id>`, which no
-- viewer can read.
local failures = {} do

local ERROR_FIELDS = {'code', 'title', 'detail', 'action', 'severity', 'link', 'reference'}
local KEPT_TRACES = 5

-- For operators, by attempt: those of the last five that left one. Which these are stands in the job's hash, since attempts
-- may be skipped and a worker may not list the fields of a hash.
function failures.keep_traces(ns, job, all)
  local key, this = ns .. ':trace:' .. job.id, digits(job.attempt)
  call('HSET', key, this, table.concat(all, '\n\n'))
  call('PEXPIRE', key, job.abandoned)
  local kept = {}
  for attempt in gmatch(call('HGET', job.key, 'traced') or '', '%d+') do
    if attempt ~= this then kept[#kept + 1] = attempt end
  end
  kept[#kept + 1] = this
  while #kept > KEPT_TRACES do call('HDEL', key, table.remove(kept, 1)) end
  call('HSET', job.key, 'traced', table.concat(kept, ','))
end

-- The names under which support finds the failures of a job: the last, and those of its history.
function failures.forget_references(ns, job)
  local errors = {job.error}
  for _, one in ipairs(call('XRANGE', ns .. ':log:' .. job.id, '-', '+')) do
    for i = 1, #one[2], 2 do
      if one[2][i] == 'error' then errors[#errors + 1] = one[2][i + 1] end
    end
  end
  for _, text_of_error in ipairs(errors) do
    local reference = cjson.decode(text_of_error).reference
    local key = reference and ns .. ':reference:' .. reference
    if key and call('HGET', key, 'id') == job.id then call('DEL', key) end
  end
end

-- `*` stands for any text; nothing else is special. Takes time proportional to the text.
local function matches_glob(glob, s)
  local at, first = 1, true
  local from = 1
  while true do
    local star = find(glob, '*', from, true)
    local piece = sub(glob, from, star and star - 1 or nil)
    if first then
      if sub(s, 1, #piece) ~= piece then return false end
      if not star then return #s == #piece end
      at, first = #piece + 1, false
    elseif not star then
      return #s - at + 1 >= #piece and (piece == '' or sub(s, -#piece) == piece)
    else
      local found, stop = find(s, piece, at, true)
      if not found then return false end
      at = stop + 1
    end
    from = star + 1
  end
end

local function catalogued(ns, type, code)
  for _, key in ipairs({ns .. ':policy:' .. type, ns .. ':policy'}) do
    local found = call('HMGET', key, 'failure:' .. code, 'failures')
    if found[1] then return cjson.decode(found[1]) end
    if found[2] then
      for _, one in ipairs(cjson.decode(found[2])) do
        if matches_glob(one.match, code) then return one end
      end
    end
  end
  return nil
end

local REFERENCE = '0123456789abcdefghjkmnpqrstvwxyz'
local function new_reference(ns, job, at)
  local hash = redis.sha1hex(ns .. '\n' .. job.id .. '\n' .. digits(job.attempt) .. '\n' .. digits(at) .. '\n' .. digits(math.random(2147483647)))
  local out = {}
  for i = 1, 10 do
    local n = tonumber(sub(hash, 2 * i - 1, 2 * i), 16) % 32 + 1
    out[i] = sub(REFERENCE, n, n)
  end
  return upper(table.concat(out, '', 1, 5) .. '-' .. table.concat(out, '', 6, 10))
end

-- `said`: members of `error` by name, as given. `final`: the job failed for good, so there is always something to say.
function failures.describe(ns, job, said, at, final)
  local given = said.retryable ~= nil or said.trace ~= nil
  for _, field in ipairs(ERROR_FIELDS) do
    if said[field] == '' then said[field] = nil end
    given = given or said[field] ~= nil
  end
  if not given and not final then return nil end
  local told = {said.trace}
  for _, field in ipairs({'title', 'detail', 'action'}) do
    if said[field] and traces.looks_like_one(said[field]) then
      told[#told + 1] = said[field]
      said[field] = nil
    end
  end
  local named = said.code or said.title
  local entry = named and catalogued(ns, job.type, named)
  for _, field in ipairs({'title', 'detail', 'action', 'link', 'severity'}) do
    if entry and entry[field] then said[field] = entry[field] end
  end
  local plain = not said.title
  if plain then
    said.title = 'The job failed.'
    if final and not said.action then
      said.action = 'Try again later. If it fails again, give the reference to support.'
      said.severity = said.severity or 'high'
    end
  end
  if not said.reference and (entry or #told > 0 or plain and final) then said.reference = new_reference(ns, job, at) end
  if #told > 0 then failures.keep_traces(ns, job, told) end
  if said.reference then
    local key = ns .. ':reference:' .. said.reference
    -- A worker may name one that another job has: whoever looks it up is to find the first, as long as there is such a job.
    local holder = call('HGET', key, 'id')
    if not holder or holder == job.id or not call('HGET', ns .. ':job:' .. holder, 'v') then
      call('HSET', key, 'id', job.id, 'attempt', digits(job.attempt))
      call('PEXPIRE', key, digits(math.max(tonumber(job.retention), tonumber(job.abandoned))))
    end
  end
  local parts = {}
  for _, field in ipairs(ERROR_FIELDS) do
    if said[field] then parts[#parts + 1] = '"' .. field .. '":' .. text.quoted(said[field]) end
  end
  parts[#parts + 1] = '"retryable":' .. (said.retryable == 'true' and 'true' or 'false')
  return '{' .. table.concat(parts, ',') .. '}'
end

end
