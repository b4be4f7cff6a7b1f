"""Telling people of an incident: once each by mail, page and issue, whatever happens to whoever tells.

story.py       what there is to tell, as frozen values: an incident, its end, a switch
taming.py      a story made fit to be kept and told: no secret in it, nothing that a terminal obeys, nothing endless
wording.py     the sentences that all channels share: what happened, whether users are safe, what comes next
mailing.py     a story as a mail, in text and in HTML (templates/)
paging.py      a story as PagerDuty's alert, a switch as its change
issue.py       a story as an issue in Markdown, its end as a comment
channels.py    how each of these is sent, so that a second time does no harm
examining.py   whether all of them can be reached, for the doctor
delivering.py  what is written down in the journal's outbox, sent, and tried again later
"""
