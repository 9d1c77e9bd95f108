"""Looking at values without running code of theirs: no properties, no __getattr__, no __repr__.

Completion, inspection and the list of variables run while a cell runs, in another thread: whatever they
would set off would happen to the user's values behind the back of the cell.
"""
import builtins
import inspect
import types

MISSING = object()
NAME_MAX = 200
SIGNATURE_MAX = 500
PLAIN_DEFAULTS = (bool, int, float, str, type(None))
FUNCTIONS = (
    types.FunctionType,
    types.BuiltinFunctionType,
    types.MethodType,
    types.MethodDescriptorType,
    types.WrapperDescriptorType,
    types.MethodWrapperType,
    types.ClassMethodDescriptorType,
    staticmethod,
    classmethod,
)
# Of libraries that are written in C and Cython.
FUNCTION_NAMES = {"ufunc", "cython_function_or_method", "fused_cython_function"}
# Descriptors of C types: reading them runs no Python.
C_VALUES = (types.GetSetDescriptorType, types.MemberDescriptorType)


def find(namespace, dotted):
    """The value of `a.b.c`, or MISSING when that is unknown without running code."""
    first, *rest = dotted.split(".")
    value = namespace.get(first, MISSING)
    if value is MISSING:
        value = getattr(builtins, first, MISSING)
    for name in rest:
        if value is MISSING:
            break
        value = attribute(value, name)
    return value


def attribute(value, name):
    found = static(value, name)
    kind = type(found)
    if kind is staticmethod:
        return found.__func__
    if kind is classmethod:
        return types.MethodType(found.__func__, class_of(value))
    if kind is types.FunctionType and not is_namespace(value):
        return types.MethodType(found, value)
    if kind in C_VALUES and not is_namespace(value):
        return c_value(found, value)
    return of_pandas(found, value) if is_computed(found) else found


def of_pandas(found, value):
    """`df.columns` and `df.index` are read in C; `s.str` is told by its class."""
    kind = type(found)
    if kind.__module__ == "pandas._libs.properties" and kind.__name__ == "AxisProperty":
        return c_value(found, value)
    if kind.__module__ == "pandas.core.accessor" and kind.__name__ == "CachedAccessor":
        return found.__dict__.get("_accessor", MISSING)
    return MISSING


def static(value, name):
    """As it is written down: a property is a property."""
    try:
        return inspect.getattr_static(value, name)
    except (AttributeError, TypeError, RecursionError):
        return MISSING


def c_value(descriptor, value):
    try:
        return descriptor.__get__(value)
    except Exception:  # not set, or not for this value
        return MISSING


def class_of(value):
    return value if isinstance_of(value, type) else type(value)


def is_namespace(value):
    """A module or a class: what it holds is what it holds."""
    return isinstance_of(value, (type, types.ModuleType))


def isinstance_of(value, kinds):
    """isinstance that does not ask the value's __class__."""
    return issubclass(type(value), kinds)


def is_function(found):
    return isinstance_of(found, FUNCTIONS) or type_name(found) in FUNCTION_NAMES


def is_computed(found):
    """Whether reading it would run Python."""
    kind = type(found)
    return (
        not is_function(found)
        and not isinstance_of(found, type)
        and static(kind, "__get__") is not MISSING
    )


def kind_of(found):
    """A word for what a name stands for."""
    if isinstance_of(found, type):
        return "class"
    if isinstance_of(found, types.ModuleType):
        return "module"
    if is_function(found):
        return "function"
    return "property" if found is not MISSING and is_computed(found) else "instance"


def type_name(value):
    try:
        return str(type.__dict__["__name__"].__get__(type(value)))[:NAME_MAX]
    except Exception:
        return "object"


def signature(value):
    """`(a, b=1, *rest)` of a function or a class; "" when it has none that is known."""
    function, first = function_of(value)
    if type(function) is not types.FunctionType:
        return text_signature(function)
    return f"({', '.join(parameters(function)[first:])})"[:SIGNATURE_MAX]


def parameter_names(value):
    function, first = function_of(value)
    if type(function) is not types.FunctionType:
        return []
    code = function.__code__
    return code.co_varnames[first : code.co_argcount + code.co_kwonlyargcount]


def function_of(value):
    """(function that a call ends in, how many arguments it has been given already)"""
    if isinstance_of(value, type):
        value = static(value, "__init__")
    bound = type(value) in (classmethod, types.MethodType)
    if bound or type(value) is staticmethod:
        value = value.__func__
    own = type(value) is types.FunctionType
    return value, 1 if own and (bound or is_method(value)) else 0


def is_method(function):
    return (
        function.__code__.co_varnames[:1] == ("self",) and "." in function.__qualname__
    )


def text_signature(value):
    text = (
        getattr(value, "__text_signature__", None) if type(value) in FUNCTIONS else None
    )
    if type(text) is not str:
        return ""
    return text.replace("($self, ", "(").replace("($self)", "()")[:SIGNATURE_MAX]


def parameters(function):
    code = function.__code__
    count = code.co_argcount
    keyword = count + code.co_kwonlyargcount
    names = code.co_varnames
    defaults = function.__defaults__ or ()
    shown = list(names[:count])
    for i, value in enumerate(defaults, start=count - len(defaults)):
        shown[i] += "=" + default(value)
    if code.co_posonlyargcount:
        shown.insert(code.co_posonlyargcount, "/")
    if code.co_flags & inspect.CO_VARARGS:
        shown.append("*" + names[keyword])
        keyword += 1
    elif code.co_kwonlyargcount:
        shown.append("*")
    given = function.__kwdefaults__ or {}
    for name in names[count : count + code.co_kwonlyargcount]:
        shown.append(f"{name}={default(given[name])}" if name in given else name)
    if code.co_flags & inspect.CO_VARKEYWORDS:
        shown.append("**" + names[keyword])
    return shown


def default(value):
    if type(value) in PLAIN_DEFAULTS and not is_long(value):
        return repr(value)
    return "…"


def is_long(value):
    if type(value) is int:
        return value.bit_length() > 200
    return type(value) is str and len(value) > 50
