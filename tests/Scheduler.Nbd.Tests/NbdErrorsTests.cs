using Scheduler.Nbd.Protocol;

namespace Scheduler.Nbd.Tests;

public class NbdErrorsTests
{
    [Theory]
    [InlineData(0, NbdError.None)]
    [InlineData(1, NbdError.EPERM)]
    [InlineData(5, NbdError.EIO)]
    [InlineData(9, NbdError.EIO)] // EBADF has no number of its own
    [InlineData(12, NbdError.ENOMEM)]
    [InlineData(13, NbdError.EPERM)] // EACCES
    [InlineData(22, NbdError.EINVAL)]
    [InlineData(27, NbdError.ENOSPC)] // EFBIG
    [InlineData(28, NbdError.ENOSPC)]
    [InlineData(30, NbdError.EPERM)] // EROFS
    [InlineData(75, NbdError.EINVAL)] // EOVERFLOW, not for a read
    [InlineData(95, NbdError.EINVAL)] // EOPNOTSUPP, not for a fast zero
    [InlineData(108, NbdError.ESHUTDOWN)]
    [InlineData(122, NbdError.ENOSPC)] // EDQUOT
    [InlineData(125, NbdError.EIO)] // ECANCELED
    [InlineData(-5, NbdError.EIO)]
    [InlineData(int.MaxValue, NbdError.EIO)]
    public void Every_errno_has_a_number_of_the_protocol(int errno, NbdError error) =>
        Assert.Equal(error, NbdErrors.FromErrno(errno, NbdCommand.WriteZeroes, NbdCommandFlags.Fua));

    [Fact]
    public void Not_supported_is_told_only_to_a_fast_zero()
    {
        const NbdCommandFlags Fast = NbdCommandFlags.FastZero | NbdCommandFlags.Fua;
        Assert.Equal(NbdError.ENOTSUP, NbdErrors.FromErrno(95, NbdCommand.WriteZeroes, Fast));
        Assert.Equal(NbdError.EINVAL, NbdErrors.FromErrno(95, NbdCommand.Trim, NbdCommandFlags.None));
    }

    [Fact]
    public void Overflow_is_told_only_to_a_read() =>
        Assert.Equal(NbdError.EOVERFLOW, NbdErrors.FromErrno(75, NbdCommand.Read, NbdCommandFlags.None));
}
