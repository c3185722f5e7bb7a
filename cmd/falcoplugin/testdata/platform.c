/*
 * Preloaded into sysdig, it opens source plugins as Falco opens those with id 0
 * (falcosecurity/falco userspace/falco/app/actions/helpers_inspector.cpp): with
 * SINSP_PLATFORM_FULL, so that libsinsp takes their events for those of a live machine.
 */
#define _GNU_SOURCE
#include <dlfcn.h>

#define OPEN_PLUGIN "_ZN5sinsp11open_pluginERKNSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEEES7_21sinsp_plugin_platform"
#define PLATFORM_FULL 2

typedef void open_plugin(void *inspector, const void *name, const void *params, int platform);

open_plugin replacement __asm__(OPEN_PLUGIN);

void replacement(void *inspector, const void *name, const void *params, int platform)
{
	open_plugin *real = (open_plugin *)dlsym(RTLD_NEXT, OPEN_PLUGIN);

	(void)platform;
	real(inspector, name, params, PLATFORM_FULL);
}
