using System.Runtime.InteropServices;

namespace Scheduler.Xen.Hypervisor;

/// <summary>One piece of a grant copy: <c>struct gntdev_grant_copy_segment</c>. One end is a page that a guest grants, the other is
/// memory of this process.</summary>
[StructLayout(LayoutKind.Explicit, Size = 24)]
internal struct GrantCopy
{
    /// <summary>Memory that is copied from.</summary>
    [FieldOffset(0)]
    public nint SourceAddress;

    /// <summary>Or the grant that is.</summary>
    [FieldOffset(0)]
    public GrantPlace SourceGrant;

    /// <summary>Memory that is copied to.</summary>
    [FieldOffset(8)]
    public nint TargetAddress;

    /// <summary>Or the grant that is.</summary>
    [FieldOffset(8)]
    public GrantPlace TargetGrant;

    /// <summary>Bytes; on the guest's side they stay within the page.</summary>
    [FieldOffset(16)]
    public ushort Length;

    /// <summary>Which end is the guest's.</summary>
    [FieldOffset(18)]
    public ushort Flags;

    /// <summary>0 before; 0 afterwards if it was copied.</summary>
    [FieldOffset(20)]
    public short Status;

    /// <summary><see cref="Flags"/>: from the guest.</summary>
    public const ushort FromGuest = 1;

    /// <summary><see cref="Flags"/>: to the guest.</summary>
    public const ushort ToGuest = 2;
}

/// <summary>A place in a page that a guest grants.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct GrantPlace
{
    /// <summary>The grant.</summary>
    public uint Grant;

    /// <summary>Bytes from the page's beginning.</summary>
    public ushort Offset;

    /// <summary>The guest's domain.</summary>
    public ushort Domain;
}
