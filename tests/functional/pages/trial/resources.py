from autonomy_core.plugin_api.resources import Resource
from autonomy_core.plugin_api.security import CUSTOMER, Allow, Permission


class Guestbook(Resource):
    """``/guestbook``"""

    __acl__ = ((Allow, CUSTOMER, Permission.OWN),)
