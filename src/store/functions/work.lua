-- Where workers and applications find what is to be done: `ns:work:<type>` and `ns:commands`.
local work = {} do

-- `work` is the id of the job's entry and the type on whose stream it is: the job may have learnt its type since.
function work.entry(ns, job)
  local id, type = match(job.work, '^(%S+) ?(.*)$')
  return ns .. ':work:' .. (type ~= '' and type or job.type), id
end

function work.drop(ns, job)
  if job.work then
    call('XDEL', work.entry(ns, job))
    job.work = nil
  end
end

-- Entries older than any record can be are those of jobs whose record expired.
function work.put(ns, job, at)
  local input = call('HGET', job.key, 'input') or ''
  local oldest = digits(math.max(at - tonumber(job.abandoned), 0))
  local id = call('XADD', ns .. ':work:' .. job.type, 'MINID', '~', oldest, '*', 'id', job.id, 'type', job.type,
    'attempt', digits(job.attempt), 'input', input)
  job.work = id .. ' ' .. job.type
end

function work.put_command(ns, job, op)
  call('XADD', ns .. ':commands', 'MAXLEN', '~', '100000', '*', 'id', job.id, 'type', job.type, 'op', op, 'attempt', digits(job.attempt))
end

end
