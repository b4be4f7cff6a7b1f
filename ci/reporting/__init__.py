"""Everything a reader sees of a run, drawn from one value: `ci.model.RunReport`.

    document.py   RunReport <-> report.json, and report.schema.json that is shipped with it
    files.py      the report's directory: all files at once, or none; paths.py makes strangers' names safe for it
    keepsakes.py  what is kept of executions: files that a verdict names, and logs
    html.py       the self-contained page; templates/ is its markup and style, charts.py the geometry of
                  its SVG, excerpts.py output with the places in it marked
    summary.py    Markdown for a CI host's summary page
    junit.py      JUnit XML
    sarif.py      SARIF 2.1.0
    live.py       the terminal while a run goes on; closing.py what stays on it afterwards; terminal.py how both speak
    plan.py       what a run would do, and why
    tools.py      which tools are there
    promotion.py  a promotion's steps and rulings in words, for all of these
    replay.py     rulings made again, beside what they were
    drill.py      a drill as JSON, and why one was not played
    doctor.py     what an environment has and lacks; smoke.py: what its probes met
    findings.py   what is wrong, each thing once; the headline; what the run does not vouch for
    wording.py    making strangers' text harmless; durations, sizes, counts in words

Secrets are redacted before a value comes here. All other text in a report (messages, paths, test names,
output) is a stranger's: every file here cleans it and escapes it for its own format.
"""
