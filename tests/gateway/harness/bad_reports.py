"""Reports that must be refused: a name, the bytes of the body, and the field(s) the refusal may name. And reports that are taken although a side
field is bad: a name, the body, and what the history says was mended."""

LONG = "x" * 70_000


def _result(raw):
    return b'{"status":"done","result":' + raw + b"}"


BODY = "body"
# What no JSON can hold is wrong with the whole body.
RESULT = BODY

BAD_REPORTS = [
    # Not JSON, or not an object
    ("nothing at all", b"", BODY),
    ("cut off", b'{"status":"proc', BODY),
    ("trailing text", b'{"status":"done"} x', BODY),
    ("two objects", b'{"status":"done"}{"status":"failed"}', BODY),
    ("a list", b'[{"status":"done"}]', BODY),
    ("a string", b'"done"', BODY),
    ("null", b"null", BODY),
    ("a number", b"42", BODY),
    ("single quotes", b"{'status':'done'}", BODY),
    ("a comment", b'{"status":"done"/* */}', BODY),
    ("a trailing comma", b'{"status":"done",}', BODY),
    ("NaN", b'{"percent":NaN}', BODY),
    ("a number with a leading zero", b'{"percent":042}', BODY),
    ("a raw newline in text", b'{"message":"a\nb"}', BODY),
    ("a NUL byte behind the object", b'{"status":"done"}\x00', BODY),
    ("an UTF-16 body", '{"status":"done"}'.encode("utf-16"), BODY),
    ("a deep nest", b"[" * 200_000, BODY),
    ("an unfinished escape", b'{"message":"\\u12"}', BODY),
    # Values
    ("an unknown status", b'{"status":"finished"}', "status"),
    ("an empty status", b'{"status":""}', "status"),
    ("a status in capitals", b'{"status":"DONE"}', "status"),
    ("a number as status", b'{"status":5}', "status"),
    ("an object as status", b'{"status":{"is":"done"}}', "status"),
    ("a list as status", b'{"status":["done"]}', "status"),
    ("a nested member that is none", b'{"progress":{"colour":"red"}}', "progress.colour"),
    ("attempt zero", b'{"attempt":0}', "attempt"),
    ("negative attempt", b'{"attempt":-1}', "attempt"),
    ("half an attempt", b'{"attempt":1.5}', "attempt"),
    ("text as attempt", b'{"attempt":"first"}', "attempt"),
    ("an owner that is a number", b'{"owner":5}', "owner"),
    # Names and ids
    ("a type with a blank", b'{"type":"video transcode"}', "type"),
    ("an empty type", b'{"type":""}', "type"),
    ("a type that is too long", b'{"type":"' + b"t" * 65 + b'"}', "type"),
    ("a type with a line break", b'{"type":"a\\r\\nb"}', "type"),
    ("a type of invalid UTF-8", b'{"type":"\xff"}', "type"),
    ("a status of invalid UTF-8", b'{"status":"done\xff"}', "status"),
    ("an id with a blank", b'{"id":"no good"}', "id"),
    ("an id with a line break", b'{"id":"a\\r\\nb"}', "id"),
    # Lengths
    ("an owner that is too long", b'{"owner":"' + b"o" * 257 + b'"}', "owner"),
    ("an owner that is too long once encoded", b'{"owner":"' + "ü".encode() * 60 + b'"}', "owner"),
    ("an endless group", b'{"group":"%s"}' % LONG.encode(), "group"),
    # Twice, or unknown
    ("status given twice", b'{"status":"done","status":"failed"}', "status"),
    ("status hidden behind an escape", b'{"status":"done","\\u0073tatus":"failed"}', "status"),
    ("a member without a name", b'{"":1}', "body"),
    ("a member of progress without a name", b'{"progress":{"":1}}', "progress"),
    ("a misspelt member", b'{"stauts":"done"}', "stauts"),
    ("an unknown member of progress", b'{"progress":{"perc":1}}', "progress.perc"),
    ("an unknown member of error", b'{"error":{"titel":"x"}}', "error.titel"),
    ("status hidden in progress", b'{"progress":{"status":"done"}}', "progress.status"),
    ("a version", b'{"version":99}', "version"),
    ("a flag of the record", b'{"stalled":true}', "stalled"),
    # Forged events inside `result`
    ("a raw newline in a result's text", _result(b'"a\n\nevent: job\ndata: {}\n\n"'), RESULT),
    ("a raw carriage return in a result's text", _result(b'"a\r\revent: job\r\r"'), RESULT),
    ("a raw NUL in a result's text", _result(b'"a\x00b"'), RESULT),
    ("a raw newline in a result's name", _result(b'{"a\n\nevent: job":1}'), RESULT),
    ("an event spliced behind a result", _result(b'1\n\nevent: job\ndata: {}'), RESULT),
    ("a result of NaN", _result(b"NaN"), RESULT),
    ("a hexadecimal result", _result(b"0x1F"), RESULT),
    ("a result with a leading zero", _result(b"01"), RESULT),
    ("a result with a plus", _result(b"+1"), RESULT),
    ("a result that is not closed", _result(b'{"a":[1}'), RESULT),
]

_N = b'{"status":"failed",'
MENDED_REPORTS = [
    ("text as percent", _N + b'"percent":"half"}', "percent left out"),
    ("percent above 100", _N + b'"percent":100.5}', "percent clamped"),
    ("percent a hair above 100", _N + b'"percent":100.00000000000001}', "percent clamped"),
    ("percent below 0", _N + b'"percent":-1}', "percent clamped"),
    ("infinite percent", _N + b'"percent":1e999}', "percent left out"),
    ("hexadecimal percent", _N + b'"percent":"0x10"}', "percent left out"),
    ("percent that is true", _N + b'"progress":{"percent":true}}', "percent left out"),
    ("nested percent above 100", _N + b'"progress":{"percent":101}}', "percent clamped"),
    ("percent that is an object", _N + b'"progress":{"percent":{"of":[7]}}}', "percent left out"),
    ("progress that is a number", _N + b'"progress":5}', "progress left out"),
    ("progress that is a list", _N + b'"progress":[{"percent":5}]}', "progress left out"),
    ("negative current", _N + b'"current":-1}', "current clamped"),
    ("a total of 400 digits", _N + b'"total":' + b"9" * 400 + b"}", "total left out"),
    ("text as eta", _N + b'"eta":"soon"}', "eta left out"),
    ("no attempts at all", _N + b'"max_attempts":0}', "max_attempts left out"),
    ("no lease", _N + b'"lease":0}', "lease left out"),
    ("text as lease", _N + b'"lease":"60s"}', "lease left out"),
    ("text as retry_at", b'{"status":"retrying","retry_at":"tomorrow"}', "retry_at left out"),
    ("retryable that is neither", _N + b'"error":{"retryable":"maybe"}}', "error.retryable left out"),
    ("an unknown severity", _N + b'"error":{"severity":"critical"}}', "error.severity left out"),
    ("a code that is a sentence", _N + b'"error":{"code":"card declined"}}', "error.code left out"),
    ("a link to a script", _N + b'"error":{"link":"javascript:alert(1)"}}', "error.link left out"),
    ("error that is text", _N + b'"error":"no"}', "error left out"),
    ("an error of a job that is done", b'{"status":"done","error":{"title":"x"}}', "error.title left out"),
    ("labels that are a list", _N + b'"labels":["eu"]}', "labels left out"),
    ("a label that is an object", _N + b'"labels":{"region":{}}}', "labels left out"),
    ("a label without a name", _N + b'"labels":{"a b":"x"}}', "labels left out"),
    ("too many labels", _N + b'"labels":{' + b",".join(b'"l%d":"x"' % n for n in range(17)) + b"}}", "labels left out"),
    ("300 labels", _N + b'"labels":{' + b",".join(b'"l%d":"x"' % n for n in range(300)) + b"}}", "labels left out, labels left out"),
    ("a message given 1300 times", _N + b",".join([b'"message":"a"'] * 1300) + b"}", "message left out"),
    ("an endless title", _N + b'"error":{"title":"%s"}}' % LONG.encode(), "error.title cut"),
    ("an endless message", _N + b'"message":"%s"}' % LONG.encode(), "message cut"),
    ("an endless label", _N + b'"labels":{"region":"%s"}}' % LONG.encode(), "labels.region cut"),
    ("an endless reporter", _N + b'"by":"%s"}' % LONG.encode(), "by left out"),
    ("percent given in two ways", _N + b'"percent":1,"progress":{"percent":2}}', "percent left out"),
    ("a label given twice", _N + b'"labels":{"a":"1","a":"2"}}', "labels left out"),
    ("a result of a job that failed", _N + b'"result":1}', "result left out"),
    ("a result that is too large", _result(b'"%s"' % LONG.encode()), "result left out"),
    ("a result that is too deep", _result(b"[" * 33 + b"]" * 33), "result left out"),
    ("a result beyond a double", _result(b"[1e999]"), "result left out"),
]
