"""The base class of subject hierarchy plugins. The host has no tree that would ask them anything."""


class AbstractScriptedSubjectHierarchyPlugin:
    def __init__(self, scriptedPlugin):
        self.scriptedPlugin = scriptedPlugin

    def __getattr__(self, name):
        from Testing.host.pythonqt import NotModelled

        if name.startswith("__"):
            raise AttributeError(name)
        raise NotModelled(f"AbstractScriptedSubjectHierarchyPlugin.{name}")
