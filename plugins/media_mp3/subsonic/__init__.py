"""OpenSubsonic: the library of a buyer in the players that people already use.

====================  ====================================================================================
module                what it does
====================  ====================================================================================
``resources``         ``rest/…``, at the organisation's host and below its path, and the app passwords
``views``             answers every call of a player, and the calls for app passwords
``dispatch``          which function answers which call; `envelope` writes XML and JSON
``domain``            credentials, parameters and errors of the protocol; `library` what a buyer owns
``passwords``         app passwords: made, listed, revoked; `authentication` verifies them
``browsing``          and `lists`, `searching`, `marks`, `playlists`, `queues`, `texts`, `system`: the answers
``files``             streams, downloads and covers
====================  ====================================================================================

Source: https://opensubsonic.netlify.app/docs/
"""
