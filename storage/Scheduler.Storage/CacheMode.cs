namespace Scheduler.Storage;

/// <summary>How a file volume uses the host's page cache.</summary>
public enum CacheMode
{
    /// <summary><c>O_DIRECT</c>: past the page cache. The disk's own cache and the file's allocation still need a flush.</summary>
    Direct,

    /// <summary>Through the page cache. Completed writes are lost with the host until a flush.</summary>
    Buffered,

    /// <summary>Through the page cache, each write durable when it completes, as with <c>O_DSYNC</c>.</summary>
    Dsync,
}
