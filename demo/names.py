"""The names of the demo site and its third parties: all in .test, which no resolver on the internet answers for.

May go in here: host names, what each host stands for, the one customer. May not: what the hosts answer.
"""

# The operator: a company that collects its customers' customers' opinions.
SITE = "www.brightloop.test"

# The third parties, each registrable domain another company. Most are what a real site of the kind carries.
STATS = "stats.clickmeter.test"  # analytics: script tag, beacon, image pixel
AD_TAG = "tag.adsphere.test"  # advertising: the tag an inline snippet loads
AD_PIXEL = "px.adsphere.test"  # advertising: where the tag's pixels and the cookie sync end
AD_SYNC = "sync.bidhub.test"  # advertising: passes its visitor id on to adsphere
AUDIENCE = "audience.socialnet.test"  # advertising: a customer's hashed mail address, matched with a profile
SOCIAL = "widgets.socialnet.test"  # social buttons
VIDEO = "video.tubeplay.test"  # an embedded video
FONTS = "fonts.typeserve.test"  # a web font
CHAT = "chat.talkbox.test"  # a chat widget
LIBRARY = "cdn.libshare.test"  # a harmless script library: the page needs it, and it recognises nobody
UNLISTED = "beacon.unlisted.test"  # a pixel that no policy declares: somebody pasted it in and forgot

THIRD_PARTIES = (STATS, AD_TAG, AD_PIXEL, AD_SYNC, AUDIENCE, SOCIAL, VIDEO, FONTS, CHAT, LIBRARY, UNLISTED)

# The customer the pages pretend to know, as such tags are fed: SHA-256 of jo@example.test.
CUSTOMER_HASH = "368555d10d633e7c39d9e7b461ba5baf83d5a7eb100f8de4ce7afdc29ae75e92"


def site_of(host: str) -> str:
    """The registrable domain of a host of this world, where every one has two labels."""
    return ".".join(host.split(".")[-2:])
