using System.Runtime.InteropServices;

namespace Scheduler.Xen.Hypervisor;

/// <summary>
/// Calls on /dev/xen/evtchn and /dev/xen/gntdev, as Linux's include/uapi/xen/evtchn.h and gntdev.h have them; -1 and <c>errno</c> on
/// failure.
/// </summary>
internal static unsafe partial class DeviceCalls
{
    public const int ReadWrite = 2;
    public const int NonBlocking = 0x800;
    public const int CloseOnExec = 0x80000;
    public const nuint MapGrants = 0x184700;
    public const nuint UnmapGrants = 0x104701;
    public const nuint CopyGrants = 0x104708;
    public const nuint BindInterdomain = 0x084501;
    public const nuint Notify = 0x044504;

    /// <summary>What the last call's <c>errno</c> means.</summary>
    public static string LastError => Marshal.GetPInvokeErrorMessage(Marshal.GetLastPInvokeError());

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "ioctl", SetLastError = true)]
    public static partial int Control(int fd, nuint request, void* argument);

    [LibraryImport("libc", EntryPoint = "read", SetLastError = true)]
    public static partial nint Read(int fd, void* buffer, nint length);

    [LibraryImport("libc", EntryPoint = "write", SetLastError = true)]
    public static partial nint Write(int fd, void* buffer, nint length);
}
